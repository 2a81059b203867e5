"""Songs, data sets, the int16 cache and training segments."""
