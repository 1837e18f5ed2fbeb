"""The print agent: a small program next to the printers that fetches their jobs over HTTPS and hands them over.

It runs on any PC with Python >= 3.9 and nothing else: these modules and labels.printers know the standard library only. One file of them
(labels.agent.bundle) is what the desk hands out; `wms print-agent` runs the same code.
"""
