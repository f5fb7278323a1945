"""What a model is: labels of the paper's attributes, by annotation or from its metadata.

Pure functions of plain values, without Spark; the vocabularies are conf/taxonomy.toml and the lists
beside it.
"""
