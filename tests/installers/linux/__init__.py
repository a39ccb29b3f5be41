"""The Linux packages on computers that are thrown away."""
