"""Who may, who did, what is kept? People's access: tokens, sessions, one-time links."""
