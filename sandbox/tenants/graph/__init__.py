"""Microsoft Graph's operations, one module per area. They read and write through a `Call` only."""
