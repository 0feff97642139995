"""Publishing: from the bytes of a document to one revision of the data set."""
