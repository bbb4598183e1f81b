namespace LlmAspire.Api.Llm.Wire;

/// <summary>What a request says that matters to us, and where its fields are.</summary>
internal sealed class RequestFacts
{
    /// <summary>For a number that is no count: not whole, negative or beyond any count.</summary>
    public const long NoCount = -1;

    public string? Model { get; set; }

    /// <summary>How many there are; null when the field is not there.</summary>
    public int? Messages { get; set; }

    /// <summary>Whether the last message tells the model what a tool answered.</summary>
    public bool FollowsTools { get; set; }

    public bool IsStreamed { get; set; }

    public bool HasStreamOptions { get; set; }

    public bool IncludesUsage { get; set; }

    public bool? IncludesObfuscation { get; set; }

    /// <summary>Null when it is not there, <see cref="NoCount"/> when it is no count.</summary>
    public long? MaxTokens { get; set; }

    /// <inheritdoc cref="MaxTokens"/>
    public long? MaxCompletionTokens { get; set; }

    /// <summary>How many answers are asked for in one.</summary>
    public int Choices { get; set; } = 1;

    /// <summary>The bytes of pictures that cannot be tokens.</summary>
    public long PictureBytes { get; set; }

    /// <summary>The fields of the request itself, in their order.</summary>
    public List<RequestSpan> Fields { get; } = [];

    /// <summary>What is left out of them, in its order.</summary>
    public List<(int Start, int End)> Cuts { get; } = [];
}

/// <summary>Where a field is: its name and value, without the comma.</summary>
internal readonly record struct RequestSpan(int Start, int End, RequestFact Fact);
