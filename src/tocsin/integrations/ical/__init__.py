"""Other calendars, as iCalendar (RFC 5545)."""
