"""The peer-to-peer link: one encrypted channel straight to each station we talk to."""
