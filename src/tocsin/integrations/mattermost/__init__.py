"""Mattermost: incoming webhooks."""
