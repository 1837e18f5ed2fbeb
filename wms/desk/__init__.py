"""The desk's own pages, which look over all apps: today's board, dead letters, merchants and order files."""
