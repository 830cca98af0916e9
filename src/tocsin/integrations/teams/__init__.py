"""Microsoft Teams: workflows that are started by a webhook."""
