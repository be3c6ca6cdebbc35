"""Files of code systems, as their publishers give them out → concepts, one after the other."""
