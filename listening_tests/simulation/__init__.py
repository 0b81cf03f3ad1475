"""Listeners that are not there: to try a study, its screening and its analysis before people are asked."""
