"""The pages for people, at `/`: what calls there are, what was said, and who may place them.

Rendered here and shown by any browser; the few scripts only make pages livelier. Stands on the switchboard
beside the API and knows nothing of it.
"""
