// The script of every page: custom elements in the page's HTML.

import "./session";
import "./proof-check";
import "./ticket";
import "./copy";
import "./acts";
import "./desk";
