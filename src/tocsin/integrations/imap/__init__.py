"""IMAP: the mailbox to which people answer pages by e-mail."""
