"""Where files go: over SSH, over FTP, or into a folder of this machine. Each is a `Place`."""
