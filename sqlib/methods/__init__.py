"""Methods: a DataFrame in, a frozen Result out. No words, no style, no files, no language."""
