"""Writers of SDMX messages, one file a syntax. Each turns a cube into pieces of bytes."""
