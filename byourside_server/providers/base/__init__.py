"""The doors to speech and language: what every engine or vendor must be able to do."""

from byourside_server.providers.base.errors import ProviderError, ProviderErrorKind
from byourside_server.providers.base.language import (
    Ahead,
    AnswerSchema,
    Completion,
    Generation,
    JsonSchema,
    LanguageModel,
    Message,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
    total,
)
from byourside_server.providers.base.speech import (
    ANSWER_KINDS,
    Expectation,
    Recognition,
    SettlingStream,
    SpeechStream,
    SpeechToText,
    StreamingSpeechToText,
    TextToSpeech,
)

__all__ = [
    "ANSWER_KINDS",
    "Ahead",
    "AnswerSchema",
    "Completion",
    "Expectation",
    "Generation",
    "JsonSchema",
    "LanguageModel",
    "Message",
    "ProviderError",
    "ProviderErrorKind",
    "Recognition",
    "SettlingStream",
    "SpeechStream",
    "SpeechToText",
    "StreamingSpeechToText",
    "TextDelta",
    "TextToSpeech",
    "Tool",
    "ToolCall",
    "Usage",
    "total",
]
