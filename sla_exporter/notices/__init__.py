"""What customers are told: rendering, formatting, languages, pictures."""
