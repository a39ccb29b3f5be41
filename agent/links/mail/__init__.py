"""The mail link: sealed messages as encrypted mails, for whoever has nothing but a mailbox."""
