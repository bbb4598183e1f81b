namespace LlmAspire.Web.Accounts;

/// <summary>How a program calls the Api: to be copied, and to run as it is.</summary>
/// <param name="Name">The language or tool.</param>
/// <param name="Install">What has to be there first; null for nothing.</param>
public sealed record ApiExample(string Name, string? Install, string Code)
{
    /// <param name="baseUrl">With <c>/v1</c>.</param>
    /// <param name="key">A key, or what stands for it.</param>
    public static IReadOnlyList<ApiExample> All(string baseUrl, string key, string model) =>
    [
        new("curl", null, $$"""
            curl {{baseUrl}}/chat/completions \
              -H "Authorization: Bearer {{key}}" \
              -H "Content-Type: application/json" \
              -d '{"model": "{{model}}", "messages": [{"role": "user", "content": "Hello!"}]}'
            """),
        new("Python", "pip install openai", $$"""
            from openai import OpenAI

            client = OpenAI(
                base_url="{{baseUrl}}",
                api_key="{{key}}",
            )
            completion = client.chat.completions.create(
                model="{{model}}",
                messages=[{"role": "user", "content": "Hello!"}],
            )
            print(completion.choices[0].message.content)
            """),
        new("JavaScript", "npm install openai", $$"""
            import OpenAI from "openai";

            const client = new OpenAI({
              baseURL: "{{baseUrl}}",
              apiKey: "{{key}}",
            });
            const completion = await client.chat.completions.create({
              model: "{{model}}",
              messages: [{ role: "user", content: "Hello!" }],
            });
            console.log(completion.choices[0].message.content);
            """),
        new("C#", "dotnet add package OpenAI", $$"""
            using System.ClientModel;
            using OpenAI;
            using OpenAI.Chat;

            var client = new ChatClient(
                "{{model}}",
                new ApiKeyCredential("{{key}}"),
                new OpenAIClientOptions { Endpoint = new Uri("{{baseUrl}}") });
            ChatCompletion completion = await client.CompleteChatAsync("Hello!");
            Console.WriteLine(completion.Content[0].Text);
            """),
    ];
}
