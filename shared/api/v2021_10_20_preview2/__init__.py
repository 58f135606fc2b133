"""The models of api-version 2021-10-20-preview2.

Its words are those of its API description. Those of the documents from the time before it are taken
too, where they differ; answers do not use them.
"""
