namespace Stories;

/// <summary>Something the user can mend. The message says what, in one sentence that names the option or file.</summary>
internal sealed class StoryException(string message) : Exception(message);
