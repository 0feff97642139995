"""Writers of SDMX messages, one module per syntax. Each turns a cube into chunks of bytes."""
