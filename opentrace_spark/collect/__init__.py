"""Real data from the Hugging Face Hub into a landing directory: `opentrace collect`.

Imports nothing of Spark. Everything is built below a name that begins with `_`, which no reader of
a landing looks at, and gets its own name only when it is complete.
"""
