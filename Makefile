# Under construction.
