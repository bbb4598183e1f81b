namespace LlmAspire.Api.Data;

/// <summary>A data-protection key of the front end, which its cookies are made of. It is here for the migration: only the front end reads and writes it.</summary>
public sealed class WebKey
{
    public int Id { get; set; }

    public string? FriendlyName { get; set; }

    public string? Xml { get; set; }
}
