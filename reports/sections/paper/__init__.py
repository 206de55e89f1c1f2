"""What a paper about a study needs: checklists, a paragraph on the methods, and references."""
