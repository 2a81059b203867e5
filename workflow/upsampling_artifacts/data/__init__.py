"""Synthetic songs, published data sets, the song cache, training segments and test signals."""
