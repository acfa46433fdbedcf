"""The protocol's messages, generated from `proto/annals/v1` when the package is built."""
