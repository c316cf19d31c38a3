"""Who may call, from which number, with which key?

Values only: who keeps them is the store's business.
"""
