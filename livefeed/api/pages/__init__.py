"""The HTML pages: reader page, articles, desk and wall."""
