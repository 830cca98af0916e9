"""Twilio: text messages and calls, their receipts, and the answers to them."""
