"""HTTP: screens, JSON API, intake and live stream. Translates; decides nothing."""
