EXAMPLES = {"names:set": lambda now: now.do("names:set", {"names": ["Aurora", "Support"]})}
