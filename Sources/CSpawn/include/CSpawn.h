// Starts a program with two files and nothing else of ours.
//
// In C because two of the calls are extensions of the C library that its headers show only to those who ask for them, which Swift's
// import of them does not.
#pragma once
#include <sys/types.h>

/// Starts a program in a process group of its own, with no signal ignored or blocked and no descriptor but its first three.
///
/// - program: an absolute path.
/// - arguments, environment: texts, the last one NULL.
/// - directory: where it starts.
/// - input, output: descriptors; the second takes its standard output and error.
///
/// Returns 0, or what kept it from being started as in `errno`.
int custody_spawn(
    pid_t *pid, const char *program, char *const arguments[], char *const environment[], const char *directory,
    int input, int output);
