"""The `algotrade` command. stdout is data, stderr is progress; every exit code has one meaning."""
