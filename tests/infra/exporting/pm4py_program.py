"""Reads an XES and an OCEL 2.0 log with PM4Py, and writes what it finds in them as JSON. A program of its own.

PM4Py is under the AGPL and brings half a gigabyte of packages along, so the registry's tools do not hold it: it is
given a folder of its own, in an interpreter of its own.
"""

import json
import sys
from collections import Counter

import pm4py  # pyright: ignore[reportMissingImports]  installed for this program alone

xes, ocel = sys.argv[1:]
log = pm4py.read_xes(xes)
accepted = log[(log["concept:name"] == "handoff-accepted") & ~log["inert"]]
objects = pm4py.read_ocel2_json(ocel)
events = objects.events.set_index("ocel:eid")
relations = objects.relations
inert = set(events.index[events["inert"].astype(str).str.lower() == "true"])
handed = relations[(relations["ocel:activity"] == "handoff-accepted") & ~relations["ocel:eid"].isin(inert)]
pairs = [
    dict(zip(of_event["ocel:qualifier"], of_event["ocel:oid"], strict=True))
    for _, of_event in handed[handed["ocel:qualifier"].isin(["from", "to"])].groupby("ocel:eid")
]
work = log[log["org:group"].notna()].rename(columns={"org:group": "org:resource"})
json.dump(
    {
        "xes": {
            "cases": sorted(log["case:concept:name"].unique()),
            "events": sorted(log["identity:id"]),
            "handovers": sorted(
                [*pair, n] for pair, n in Counter(zip(accepted["from"], accepted["to"], strict=True)).items()
            ),
            "network": len(pm4py.discover_handover_of_work_network(work).connections),
        },
        "ocel2": {
            "cases": sorted(objects.objects.loc[objects.objects["ocel:type"] == "case", "ocel:oid"]),
            "events": sorted(events["event"]),
            "handovers": sorted([*pair, n] for pair, n in Counter((one["from"], one["to"]) for one in pairs).items()),
        },
    },
    sys.stdout,
)
