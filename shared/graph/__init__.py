"""Microsoft Graph: reading the source, looking at and writing the targets. Knows no store and no bus."""
