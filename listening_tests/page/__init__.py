"""The listener's page: its texts, its scripts and the Gradio shell around them."""
