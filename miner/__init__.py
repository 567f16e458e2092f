"""Mining: documents in, claims, themes, evidence, grades and gaps out."""
