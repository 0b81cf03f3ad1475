"""The sounds of a study: made from a run or from folders, levelled, cut, kept under names that say nothing."""
