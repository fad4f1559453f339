"""The pages: each view reads the request, decides, and answers."""
