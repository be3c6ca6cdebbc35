"""FHIR operations: each has a module of its own here, with its OperationDefinition and its handler.

To add one, add a module with a `Final` named `OPERATION` (or `OPERATIONS`, several that are one idea) of the class in
`operation.py`; `registry.py` collects them, and address, methods, inputs and CapabilityStatement follow.

https://hl7.org/fhir/R4/operations.html
"""
