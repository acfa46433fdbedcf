"""Makes the packages of annals-server and annals from compiled binaries; `scripts/package` is the command."""
