"""The administrator's pages: make a study, open it, watch it blind, analyse, export."""
