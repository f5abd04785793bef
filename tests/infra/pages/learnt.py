"""Where the pages of what the demo learnt are: its ids follow from its names, and stay."""

CAUSE = "/causes/baafcd1b-2cdc-598d-adf9-435822aefd6e"
DIALOGUE = "/learning/dialogues/6f6dd9ae-598d-5a64-b058-3fd5b0865281"
INVESTIGATION = "/learning/investigations/013e27b6-0e01-587c-9ddf-13252fb84b90"
DOSSIER = "/learning/dossiers/30a95528-87cb-5749-adc0-d1f5bb1272f3"
NETWORK = "/learning/networks/cda10f5c-17de-5f0d-b7e6-f5dc5a3bfd6e"
EXPERIMENT = "/learning/experiments/1f9f5362-b73b-50af-9f17-67d6c028d483"

ONES = (CAUSE, DIALOGUE, INVESTIGATION, DOSSIER, NETWORK, EXPERIMENT)
LISTS = tuple(one.rpartition("/")[0] for one in ONES)
