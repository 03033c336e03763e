"""Projects of any size made up for a measurement, and a server that has their facts without having run anything."""
