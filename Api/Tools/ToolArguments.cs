using System.Text.Json;
using LlmAspire.Api.Unicode;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

/// <summary>The arguments of a call, as models send them.</summary>
internal static class ToolArguments
{
    private static readonly string NoJson = WhatTheReaderSaysOfNothing();

    /// <summary>
    /// Makes of them what a tool, a model and a database can take, before anybody reads them: no text, and <c>null</c>, are no arguments and no error; odd Unicode is replaced. The model's next call is told
    /// of this one, and there too they have to be an object.
    /// </summary>
    public static void Normalise(FunctionCallContent call)
    {
        if (call.Exception?.GetBaseException() is JsonException unread && WithoutPlace(unread) == NoJson)
        {
            call.Exception = null;
        }

        var arguments = new Dictionary<string, object?>();
        foreach (var (name, value) in call.Arguments ?? arguments)
        {
            arguments[OddText.Replace(name)] = value switch
            {
                JsonElement json => OddText.Replace(json),
                string text => OddText.Replace(text),
                _ => value,
            };
        }

        call.Arguments = arguments;
    }

    // The SDK keeps no more of what it could not read than this.
    private static string WhatTheReaderSaysOfNothing()
    {
        try
        {
            JsonSerializer.Deserialize<IDictionary<string, object?>>("");
            return "";
        }
        catch (JsonException exception)
        {
            return WithoutPlace(exception);
        }
    }

    private static string WithoutPlace(JsonException exception) => exception.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0];
}
