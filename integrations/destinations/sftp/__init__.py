"""Puts lists of referrals, and their files, where a partner fetches them: SFTP, FTPS, a folder."""
