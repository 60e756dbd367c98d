"""Storage: tables, migrations and the adapters that fulfil the store ports."""
